from otp_app.accounts import Accounts

from .models import Blocked, Invitation


class InvitedAccounts(Accounts):
    def may_sign_up(self, phone, request):
        return Invitation.objects.filter(phone=phone).exists() and not Blocked.objects.filter(phone=phone).exists()
