from otp_app.accounts import Accounts

from .models import Guest


class TenantAccounts(Accounts):
    def find(self, phone, request):
        return Guest.objects.filter(host=request.get_host(), phone=phone).first()

    def create(self, phone, request, profile):
        host = request.get_host()
        return Guest.objects.create_user(f"{host}/{phone}", host=host, phone=phone)
