"""Define the pages of Django's admin, one module for each table that has one. Only Django imports the room."""

from django.contrib import admin

from ..models import AuthorizationClient, BlockRow, Delivery, RefreshToken, Token, User, UserSession
from .authorizations import AuthorizationClientAdmin
from .blocks import BlockAdmin
from .deliveries import DeliveryAdmin
from .sessions import SessionAdmin, TokenAdmin
from .users import PhoneUserAdmin

__all__ = ["PhoneUserAdmin"]

admin.site.register(AuthorizationClient, AuthorizationClientAdmin)
admin.site.register(BlockRow, BlockAdmin)
admin.site.register(Delivery, DeliveryAdmin)
admin.site.register(RefreshToken, TokenAdmin)
admin.site.register(Token, TokenAdmin)
admin.site.register(UserSession, SessionAdmin)
admin.site.register(User, PhoneUserAdmin)  # does nothing if the project has a user model of its own
