from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from .models import Guest

admin.site.register(Guest, UserAdmin)
