from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from .models import Customer


@admin.register(Customer)
class CustomerAdmin(UserAdmin):
    ordering = ("-date_joined",)
    list_display = ("email", "mobile", "is_staff")
    search_fields = ("email", "mobile")
    fieldsets = ((None, {"fields": ("email", "mobile", "password")}), *UserAdmin.fieldsets[2:])
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
