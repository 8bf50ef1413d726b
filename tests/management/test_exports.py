"""Users are read from files one at a time, in the forms that Firebase's and Supabase's tools write."""

import io
import json
import tracemalloc

import pytest

from otp_app.management import exports
from otp_app.management.exports import Exported

PHONE = "+998901234567"


def read(form, text):
    return list(exports.FORMATS[form](io.StringIO(text)))


def firebase_json(users):
    """As the command line of Firebase writes it: the head, each user indented, commas between them."""
    return '{"users": [\n' + ",\n".join(json.dumps(user, indent=2) for user in users) + "]}"


def firebase_line(phone, disabled, name=""):
    """27 columns without a heading, a comma at the end; no quotes but those around a name with a comma."""
    columns = ["uid", "", "false", "", "", f'"{name}"' if "," in name else name, *[""] * 17, "1700000000000", "", phone]
    return ",".join([*columns, disabled]) + ",\n"


class TestCsv:
    def test_each_row_is_a_user_with_a_confirmed_number(self):
        assert read("csv", f"name,phone\nA,{PHONE}\nB,\nC\n") == [Exported(PHONE), Exported(""), Exported("")]

    @pytest.mark.parametrize(
        ("word", "active"), [("1", True), ("true", True), ("", True), ("0", False), ("False", False), ("f", False)]
    )
    def test_the_column_active_says_who_is_deactivated(self, word, active):
        assert read("csv", f"phone,active\n{PHONE},{word}\n") == [Exported(PHONE, active)]

    def test_another_word_is_no_guess(self):
        assert read("csv", f"phone,active\n{PHONE},maybe\n") == [Exported(PHONE, False, "unreadable_active")]

    @pytest.mark.parametrize("text", ["", "mobile\n+998901234567\n"])
    def test_a_file_without_the_column_is_refused(self, text):
        with pytest.raises(ValueError, match="has no column phone"):
            read("csv", text)


class TestFirebase:
    USERS = (
        {"localId": "a", "phoneNumber": PHONE, "disabled": False, "customAttributes": '{"a": "]},{"}'},
        {"localId": "b", "phoneNumber": "+998911234567", "disabled": True, "displayName": 'Ali "Ö" [1]'},
        {"localId": "c", "email": "c@example.com"},
    )
    READ = (Exported(PHONE), Exported("+998911234567", active=False), Exported(""))

    @pytest.mark.parametrize("chunk", [16, 17, 100, 1 << 16])
    def test_json_is_read_in_chunks_of_any_size(self, monkeypatch, chunk):
        monkeypatch.setattr(exports, "_CHUNK_CHARACTERS", chunk)
        assert read("firebase", firebase_json(self.USERS)) == list(self.READ)
        assert read("firebase", json.dumps({"users": self.USERS})) == list(self.READ)
        assert read("firebase", firebase_json([])) == []

    def test_csv_has_its_own_places(self):
        lines = (
            firebase_line(PHONE, "false", "Vali, A.") + firebase_line("+998911234567", "true") + firebase_line("", "")
        )
        assert read("firebase", lines) == list(self.READ)
        assert read("firebase", "a,b\n") == [Exported("", fault="unreadable_line")]

    @pytest.mark.parametrize("text", ['{"people": []}', "{}", '{"users": {}}', '{"users": [1]}'])
    def test_another_json_is_refused(self, text):
        with pytest.raises(ValueError, match="is not what firebase auth:export writes"):
            read("firebase", text)

    def test_a_file_that_is_cut_off_gives_those_before_the_cut(self):
        users = exports.read_firebase(io.StringIO(firebase_json(self.USERS)[:-30]))
        assert next(users) == Exported(PHONE)
        with pytest.raises(ValueError, match="is cut off"):
            list(users)

    def test_memory_is_that_of_a_few_users_whatever_the_size_of_the_file(self, tmp_path):
        path = tmp_path / "users.json"
        user = json.dumps({"localId": "x" * 28, "phoneNumber": PHONE, "passwordHash": "y" * 300}, indent=2)
        path.write_text('{"users": [\n' + ",\n".join([user] * 20_000) + "]}")
        with path.open(encoding="utf-8") as file:
            tracemalloc.start()
            assert sum(1 for _ in exports.read_firebase(file)) == 20_000
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < path.stat().st_size / 10

    def test_what_never_becomes_a_user_is_not_read_to_its_end(self, monkeypatch):
        monkeypatch.setattr(exports, "_MAX_USER_CHARACTERS", 100_000)
        file = io.StringIO('{"users": [{"a": "' + "x" * 1_000_000)
        with pytest.raises(ValueError, match="is cut off"):
            list(exports.read_firebase(file))
        assert file.tell() < 500_000


class TestSupabase:
    HEADING = "id,phone,phone_confirmed_at,banned_until,deleted_at\n"

    @pytest.mark.parametrize(
        ("line", "user"),
        [
            ("1,998901234567,2026-01-02 03:04:05.678901+00,,", Exported(PHONE)),
            ("1,+998901234567,2026-01-02 03:04:05+00,,", Exported(PHONE)),
            ("1,998901234567,2026-01-02 03:04:05.6+00,2999-01-01 00:00:00+00,", Exported(PHONE, active=False)),
            ("1,998901234567,2026-01-02 03:04:05+00,2020-01-01 00:00:00+00,", Exported(PHONE)),
            ("1,998901234567,,,", Exported(PHONE, fault="unconfirmed")),
            ("1,998901234567,2026-01-02 03:04:05+00,,2026-01-03 00:00:00+00", Exported(PHONE, fault="deleted")),
            ("1,998901234567,null,,", Exported(PHONE, fault="unreadable_time")),
            ("1,998901234567,2026-01-02 03:04:05,,", Exported(PHONE, fault="unreadable_time")),
            ("1,,,,", Exported("")),
        ],
    )
    def test_a_row_of_its_table_is_a_user(self, line, user):
        assert read("supabase", f"{self.HEADING}{line}\n") == [user]

    def test_a_file_without_what_must_be_known_is_refused(self):
        with pytest.raises(ValueError, match="has no column banned_until, deleted_at"):
            read("supabase", f"phone,phone_confirmed_at\n{PHONE},\n")
