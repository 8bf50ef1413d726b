"""Serve the hosted page: ``path("", include("otp_app.web.urls"))``.

It works without JavaScript; with JavaScript it counts waits down and follows the message. Only URLs, the handlers of
errors and the checks of settings call this room.
"""
