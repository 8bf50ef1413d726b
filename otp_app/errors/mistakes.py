"""Name mistakes of the calling program or its settings, which no client can mend."""


class InsideTransaction(RuntimeError):
    """Report that a service was called inside ``transaction.atomic()``.

    Rolling that transaction back would give back the check a wrong guess has paid for, so the limit on guesses
    would be gone. Call the service outside, or mark the view ``@transaction.non_atomic_requests``.
    """


class WrongIsolation(RuntimeError):
    """Report that transactions of the database are not READ COMMITTED, which is PostgreSQL's default.

    Under another level a statement does not see what was committed while it waited for a lock, so limits would be
    overshot. Remove ``isolation_level`` from the database's OPTIONS, and ``default_transaction_isolation`` from the
    server's settings.
    """


class UserNotCreated(RuntimeError):
    """Report that the user model refuses a user who has only a phone, with the words of the database or the model.

    This is no ``OtpError``: the client must not be told to try again, because each try costs a message.
    """


class UserNotChanged(RuntimeError):
    """Report that a user did not get a new number, though nobody else has it.

    The model refuses it, or ``set_phone`` of the class of OTP_ACCOUNTS writes it where ``phone_of`` does not look.
    """
