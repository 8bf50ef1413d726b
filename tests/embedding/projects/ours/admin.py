from django.contrib import admin

from otp_app.admin.users import PhoneUserAdmin

from .models import Member

admin.site.register(Member, PhoneUserAdmin)
