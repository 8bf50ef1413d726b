"""The phone in a PhoneNumberField of django-phonenumber-field, whose values are no texts."""
