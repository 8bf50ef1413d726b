"""Keep what people prove themselves by beside the code: authenticators by TOTP, recovery codes, passkeys, e-mail.

The rooms of accounts and staff, confirmations, the API and the admin's page may call it. It knows users and tables, and
no request.
"""
