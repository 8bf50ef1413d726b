"""An authenticator of Chromium's own, which holds passkeys and says that the person is there and verified."""

OPTIONS = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class VirtualAuthenticator:
    """Add an authenticator to the browser of a page."""

    def __init__(self, page):
        self._browser = page.context.new_cdp_session(page)
        self._browser.send("WebAuthn.enable")
        added = self._browser.send("WebAuthn.addVirtualAuthenticator", {"options": OPTIONS})
        self._named = {"authenticatorId": added["authenticatorId"]}

    def send(self, command, **values):
        return self._browser.send(f"WebAuthn.{command}", self._named | values)

    def held(self):
        return self.send("getCredentials")["credentials"]
