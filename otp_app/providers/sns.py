"""Send SMS by Amazon SNS through boto3 (the extra ``sns``), which signs requests and finds credentials.

Errors: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors. SNS sends no reports to an
address: it writes them into CloudWatch Logs, where they stay.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, ClassVar

from . import http
from .base import Channel, Message, NotAccepted, Provider, ProviderError, Receipt, Rejected, Unknown

# The only word that is about the person. "InvalidParameter … PhoneNumber" is not: SNS says it of every number where the
# AWS region has no SMS, and of countries that it does not serve and another provider may.
REJECTED = frozenset({"OptedOut"})
# They write the request, code and number included, or what can be turned into it by trying all codes, at DEBUG.
SDK_LOGGERS = ("botocore", "botocore.auth", "botocore.endpoint", "botocore.parsers")
OTHER_ERROR = (Unknown, "connection_lost")  # whatever else the SDK raises, it may be after acceptance


class SnsProvider(Provider):
    """Use AWS's own chain of credentials if no keys are given; ``max_price`` is in US dollars per message."""

    title: ClassVar[str] = "Amazon SNS"
    channels = frozenset({Channel.SMS})

    def __init__(
        self,
        region: str,
        access_key_id: str = "",
        secret_access_key: str = "",
        sender_id: str = "",
        max_price: Decimal | str | None = None,
        endpoint_url: str = "",
    ) -> None:
        from boto3.session import Session
        from botocore.config import Config

        for name in SDK_LOGGERS:
            logging.getLogger(name).setLevel(logging.INFO)
        # A session of our own: the default one is the host project's, and not safe among threads.
        self._client = Session().client(
            "sns",
            region_name=region,
            aws_access_key_id=access_key_id or None,
            aws_secret_access_key=secret_access_key or None,
            endpoint_url=endpoint_url or None,
            config=Config(
                connect_timeout=http.CONNECT_TIMEOUT,
                read_timeout=http.READ_TIMEOUT,
                retries={"mode": "standard", "total_max_attempts": 1},  # the SDK's four would be four messages
                max_pool_connections=http.POOLED_CONNECTIONS,
            ),
        )
        self._attributes = {"AWS.SNS.SMS.SMSType": _value("String", "Transactional")}
        if sender_id:
            self._attributes["AWS.SNS.SMS.SenderID"] = _value("String", sender_id)
        if max_price is not None:
            self._attributes["AWS.SNS.SMS.MaxPrice"] = _value("Number", str(max_price))

    def send(self, message: Message) -> Receipt:
        with _translated():
            accepted = self._client.publish(
                PhoneNumber=message.to, Message=message.body, MessageAttributes=self._attributes
            )
        if not accepted.get("MessageId"):
            raise Unknown("no_message_id")
        return Receipt(accepted["MessageId"])

    def check(self) -> str:
        with _translated():
            limit = self._client.get_sms_attributes()["attributes"].get("MonthlySpendLimit", "")
            sandbox = self._client.get_sms_sandbox_account_status()["IsInSandbox"]
        bound = f" It spends at most {limit} USD a month on SMS." if limit else ""
        trial = " It is in the sandbox: only numbers that were verified with AWS get messages." if sandbox else ""
        return f"The account answers.{bound}{trial}"

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn botocore's errors into ours: not sent is NotAccepted; sent and not answered is Unknown."""
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    try:
        yield
    except exceptions.ClientError as error:
        raise _refusal(error.response) from None
    except (exceptions.BotoCoreError, ResponseParserError) as error:
        meaning, reason = next(
            (word for kind, word in _errors_by_kind().items() if isinstance(error, kind)), OTHER_ERROR
        )
        raise meaning(reason) from None


def _errors_by_kind() -> dict[type[Exception], tuple[type[ProviderError], str]]:
    """Map each error of botocore to ours, the particular before the general."""
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    return {
        exceptions.ConnectTimeoutError: (NotAccepted, "connect_timeout"),
        exceptions.SSLError: (Unknown, "tls"),  # it may have been the reply
        exceptions.EndpointConnectionError: (NotAccepted, "no_connection"),
        exceptions.ProxyConnectionError: (NotAccepted, "no_connection"),
        exceptions.NoCredentialsError: (NotAccepted, "no_credentials"),
        exceptions.PartialCredentialsError: (NotAccepted, "no_credentials"),
        exceptions.CredentialRetrievalError: (NotAccepted, "no_credentials"),
        exceptions.ReadTimeoutError: (Unknown, "timeout"),
        ResponseParserError: (Unknown, "not_understood"),
    }


def _refusal(answer: dict[str, Any]) -> Exception:
    code = str(answer["Error"].get("Code", ""))
    if code in REJECTED:
        return Rejected(code)
    return http.refusal(answer["ResponseMetadata"]["HTTPStatusCode"], code)


def _value(kind: str, value: str) -> dict[str, str]:
    return {"DataType": kind, "StringValue": value}
