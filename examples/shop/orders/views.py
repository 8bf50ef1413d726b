"""The public page, and the one of who is signed in."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render


def home(request):
    return render(request, "home.html")


@login_required
def orders(request):
    return render(request, "orders.html", {"orders": request.user.orders.all()})
