"""docs/proof-of-work.md: its test vector is what the service makes and accepts, and its solvers find the solution."""

import base64
import hashlib
import json
import re
import shutil
import subprocess

import pytest

from otp_app.limits import proof_of_work
from tests.programs import PATIENCE, ROOT, environment

PAGE = (ROOT / "docs" / "proof-of-work.md").read_text(encoding="utf-8")
SOLVER = ROOT / "docs" / "solvers" / "proof-of-work.js"
MAX_LINES = 80
NODE = """
import { pbkdf2Sync } from "node:crypto";
import { readFileSync } from "node:fs";
delete globalThis.crypto;
delete globalThis.btoa;
const { solve } = await import(process.argv[1]);
console.log(await solve(JSON.parse(readFileSync(0))%s));
"""
KOTLIN = """
fun main(words: Array<String>) {
    println(solve(words[0], words[1], words[2], words[3].toInt(), words[4]))
}
"""


def block(language, word=""):
    """Return the one code block of the page in that language with this word in it."""
    (found,) = [code for code in re.findall(rf"(?ms)^```{language}\n(.*?)^```$", PAGE) if word in code]
    return found


TASK = json.loads(block("json", "parameters"))
PROOF = block("text").replace("\n", "")
KEYS = {int(counter): key for counter, key in re.findall(r"\| (\d+) \| `([0-9a-f]{64})` \|", PAGE)}
SOLUTION = {"counter": max(KEYS), "derivedKey": KEYS[max(KEYS)]}


def output(*command, cwd=ROOT, asked=""):
    done = subprocess.run(
        command, cwd=cwd, env=environment(), input=asked, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def read(proof):
    return json.loads(base64.b64decode(proof, validate=True))


@pytest.fixture
def _vector_service(settings):
    (settings.SECRET_KEY,) = re.findall(r"whose `SECRET_KEY` is `(.+?)`", PAGE)
    settings.SECRET_KEY_FALLBACKS = []


@pytest.mark.usefixtures("_vector_service")
def test_the_service_accepts_the_proof_of_the_vector():
    assert proof_of_work.name_of(PROOF) == TASK["parameters"]["nonce"]


def test_a_task_of_the_service_has_the_parameters_of_the_page():
    parameters = proof_of_work.make_task()["parameters"]
    listed = re.findall(r"(?m)^\| `(\w+)` \| (\w+)", PAGE)
    types = {"text": str, "hexadecimal": str, "integer": int}
    assert {name: types[kind] for name, kind in listed} == {name: type(value) for name, value in parameters.items()}
    assert {name: type(value) for name, value in TASK["parameters"].items()} == {
        name: type(value) for name, value in parameters.items()
    }


def test_the_keys_of_the_vector_are_derived_as_the_page_says():
    nonce, salt = (bytes.fromhex(TASK["parameters"][name]) for name in ("nonce", "salt"))

    def key(counter):
        return hashlib.pbkdf2_hmac("sha256", nonce + counter.to_bytes(4, "big"), salt, TASK["parameters"]["cost"]).hex()

    assert {counter: key(counter) for counter in KEYS} == KEYS
    assert [counter for counter in range(max(KEYS) + 1) if key(counter).startswith("00")] == [max(KEYS)]
    assert read(PROOF) == {"challenge": TASK, "solution": SOLUTION}


def test_the_lines_of_python_solve_a_task(settings):
    settings.OTP_PROOF_COST = 1
    names = {"problem": {"altcha": proof_of_work.make_task()}}
    exec(block("python"), names)  # noqa: S102  (it is ours)
    assert proof_of_work.name_of(names["proof"]) == names["problem"]["altcha"]["parameters"]["nonce"]


def test_the_solver_in_javascript_is_short_and_asks_for_nothing_that_an_app_lacks():
    code = SOLVER.read_text(encoding="utf-8")
    assert len(code.splitlines()) <= MAX_LINES
    statements = re.sub(r"//.*", "", code)
    assert not re.findall(r"\b(?:import|require|crypto|btoa|TextEncoder|Buffer|window|document)\b", statements)


@pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")
@pytest.mark.parametrize(
    "derive",
    ["", ", (...given) => new Uint8Array(pbkdf2Sync(...given, 'sha256'))"],
    ids=["by itself", "by a native derivation"],
)
def test_the_solver_in_javascript_finds_the_solution_without_crypto(derive, tmp_path):
    module = shutil.copy(SOLVER, tmp_path / "solver.mjs")
    found = output("node", "--input-type=module", "-e", NODE % derive, str(module), asked=json.dumps(TASK))
    assert read(found.strip()) == {"challenge": TASK, "solution": SOLUTION}


@pytest.mark.skipif(not shutil.which("kotlinc"), reason="Kotlin is not installed")
def test_the_solver_in_kotlin_finds_the_solution(tmp_path):
    (tmp_path / "solver.kt").write_text(block("kotlin") + KOTLIN, encoding="utf-8")
    output("kotlinc", "solver.kt", "-include-runtime", "-d", "solver.jar", cwd=tmp_path)
    told = [str(TASK["parameters"][name]) for name in ("nonce", "salt", "cost", "keyPrefix")]
    found = output("java", "-jar", "solver.jar", json.dumps(TASK), *told, cwd=tmp_path)
    assert read(found.strip()) == {"challenge": TASK, "solution": SOLUTION}


@pytest.mark.parametrize("language", ["swift", "dart"])
def test_what_no_test_runs_says_so(language):
    section = PAGE[: PAGE.index(f"```{language}")].rpartition("### ")[2]
    assert "Not run by our tests." in section
