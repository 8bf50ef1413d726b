from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from .models import Reader

admin.site.register(Reader, UserAdmin)
