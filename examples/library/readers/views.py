"""A reader's card, and how a phone gets onto it: by a code that was sent to it."""

from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.shortcuts import redirect, render

from otp_app import phones, services
from otp_app.challenges.policies import CHANGE_PHONE
from otp_app.errors import OtpError
from otp_app.limits.clients import client_of


@login_required
def card(request):
    return render(request, "card.html")


@login_required
def phone(request):
    """Take a number and send a code to it."""
    error = ""
    if request.method == "POST":
        try:
            number = phones.parse(request.POST.get("phone", ""))
            grant = services.send_code(phone=number, purpose=CHANGE_PHONE, client=client_of(request.META))
        except OtpError as refused:
            error = refused.detail
        else:
            request.session["proving"] = {"phone": number, "challenge_id": grant.challenge.id}
            return redirect("code")
    return render(request, "phone.html", {"name": "phone", "label": "Phone number", "error": error})


@login_required
def code(request):
    """Take the code, and put the number onto the card if nobody else has it."""
    proving, error = request.session.get("proving"), ""
    if proving is None:
        return redirect("phone")
    if request.method == "POST":
        try:
            services.verify_code(**proving, code=request.POST.get("code", ""), purpose=CHANGE_PHONE)
            request.user.phone = proving["phone"]
            with transaction.atomic():
                request.user.save(update_fields=["phone"])
        except OtpError as refused:
            error = refused.detail
        except IntegrityError:
            error = "This number is on the card of another reader."
        else:
            return redirect("card")
    return render(request, "phone.html", {"name": "code", "label": "Code", "error": error})
