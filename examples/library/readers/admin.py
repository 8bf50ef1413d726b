"""The staff looks after the readers."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from .models import Reader


@admin.register(Reader)
class ReaderAdmin(UserAdmin):
    ordering = ("-date_joined",)
    list_display = ("email", "phone", "first_name", "last_name", "is_staff")
    search_fields = ("email", "phone")
    fieldsets = ((None, {"fields": ("email", "phone", "password")}), *UserAdmin.fieldsets[2:])
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
