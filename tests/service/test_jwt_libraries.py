"""Libraries in three languages verify our access tokens by what we publish, while the keys rotate."""

import json
import shutil
import subprocess
import sys
from base64 import b64decode
from contextlib import closing, contextmanager

import pytest

from tests import perl

from .conftest import UNREACHED_LIMITS
from .running import running
from .talking import code_of, get, phone, post, send, verify

pytestmark = pytest.mark.requests

ISSUER = "https://login.example.com"
DAY_MS = 24 * 3600 * 1000  # for which a new key is published before it signs
ALGORITHMS = ["ES256", "EdDSA"]

# Each reads tokens, one a line, as long as it lives, and answers with the claims or with what is wrong. It uses the
# library as its own documentation does; the two minutes are for the clock, which the test moves on by one.
PYTHON = """
import json, sys, jwt
keys = jwt.PyJWKClient(sys.argv[1])
for line in sys.stdin:
    try:
        key = keys.get_signing_key_from_jwt(line.strip())
        claims = jwt.decode(line.strip(), key, algorithms=[sys.argv[3]], issuer=sys.argv[2], leeway=120)
    except Exception as error:
        claims = {"error": repr(error)}
    print(json.dumps(claims), flush=True)
"""
NODE = """
import { createInterface } from "node:readline";
import { createRemoteJWKSet, jwtVerify } from "jose";
const [url, issuer, algorithm] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(url));
for await (const line of createInterface({ input: process.stdin })) {
  const options = { issuer, algorithms: [algorithm], typ: "at+jwt", clockTolerance: 120 };
  const claims = await jwtVerify(line, keys, options).then((done) => done.payload, (error) => ({ error: `${error}` }));
  console.log(JSON.stringify(claims));
}
"""
PERL = r"""
use strict; use warnings; use HTTP::Tiny; use JSON::PP; use Crypt::JWT qw(decode_jwt);
my ($url, $issuer, $algorithm) = @ARGV;
$| = 1;
my $keys = decode_json(HTTP::Tiny->new->get($url)->{content});
while (my $token = <STDIN>) {
    chomp $token;
    my %options = (token => $token, accepted_alg => $algorithm, verify_iss => $issuer, verify_exp => 1, leeway => 120);
    my $claims = eval { decode_jwt(%options, kid_keys => $keys) };
    print encode_json($claims || {error => "$@"}), "\n";
}
"""


def _python(_folder):
    return [sys.executable, "-c", PYTHON]


def _node(folder):
    if not shutil.which("npm"):
        pytest.skip("Node is not installed")
    done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "jose@6"], cwd=folder, check=False)
    if done.returncode:
        pytest.skip("npm could not install jose")
    (folder / "verify.mjs").write_text(NODE)
    return ["node", str(folder / "verify.mjs")]


def _perl(_folder):
    return [found, "-e", PERL] if (found := perl.find()) else pytest.skip("Perl's Crypt::JWT is not installed")


class Verifier:
    """Hold a running program that verifies tokens."""

    def __init__(self, process):
        self._process = process

    def claims(self, token):
        self._process.stdin.write(f"{token}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def verifier(command, service, algorithm):
    """Run a program that asks for the published keys when it needs them, the one in Perl at its start."""
    words = [*command, f"http://127.0.0.1:{service.port}/.well-known/jwks.json", ISSUER, algorithm]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Verifier(process)
        process.stdin.close()


@pytest.fixture(params=ALGORITHMS)
def jwt_service(request, tmp_path_factory):
    settings = {"OTP_TOKEN_BACKEND": "otp_app.tokens.jwt.JwtTokens", "OTP_JWT_ISSUER": ISSUER}
    settings["OTP_JWT_ALGORITHM"] = request.param
    with running(tmp_path_factory.mktemp("jwt"), **UNREACHED_LIMITS, **settings) as started:
        yield started, request.param


@pytest.fixture
def issued(jwt_service):
    """Sign in, and return the whole answer."""
    service, _ = jwt_service
    number = phone()
    challenge_id = send(service, number).json["challenge_id"]
    return verify(service, number, code_of(service, challenge_id), challenge_id).json


def refreshed(service, pair):
    answer = post(service, "/api/token/refresh/", {"refresh_token": pair["refresh_token"]})
    assert answer.status == 200, answer.body
    return answer.json


def kids(service):
    return {key["kid"] for key in get(service, "/.well-known/jwks.json").json["keys"]}


def kid_of(pair):
    header = pair["token"].partition(".")[0]
    return json.loads(b64decode(header + "=" * (-len(header) % 4), altchars=b"-_"))["kid"]


def let_sign(service, kid):
    """Let the day pass after which a key signs, and the half minute for which a process keeps what it has read."""
    with closing(service.database.connect()) as connection:
        connection.execute(f"UPDATE otp_app_signing_key SET signs_from = signs_from - {DAY_MS} WHERE kid = '{kid}'")
    service.clock.advance(31)


@pytest.mark.parametrize("language", [_python, _node, _perl], ids=["python", "node", "perl"])
def test_tokens_are_verified_while_the_keys_rotate_and_forged_ones_are_not(jwt_service, issued, language, tmp_path):
    service, algorithm = jwt_service
    command = language(tmp_path)
    service.manage("otp_keys", "--rotate")
    service.clock.advance(31)  # until then a process may show the keys that it has read before
    (new,) = kids(service) - {kid_of(issued)}
    with verifier(command, service, algorithm) as other:
        other.claims(issued["token"])  # from now on it has both keys, and does not ask for them again
        let_sign(service, new)
        later = refreshed(service, issued)
        assert kid_of(later) == new
        for pair in (issued, later):
            claims = other.claims(pair["token"])
            assert (claims.get("sub"), claims.get("iss")) == (str(issued["user"]["id"]), ISSUER), claims
        header, body, signature = later["token"].split(".")
        for forged in (f"{header}.{issued['token'].split('.')[1]}.{signature}", f"{header}.{body}.{signature[::-1]}"):
            assert "error" in other.claims(forged)
