"""Write what is known of countries: ``update`` writes it anew, ``check`` says which files are stale.

For the hosted page, to show a number as it is typed: of each calling code its countries, how the digits of a mobile
number there are grouped, and by which digits the smaller of several countries are known, from the metadata of
phonenumbers. For sentences: what each country is called in our languages, from the CLDR data of Babel.
"""

import json
import sys
from pathlib import Path

import phonenumbers
from babel import Locale
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

APP = Path(__file__).resolve().parent.parent / "otp_app"
LANGUAGES = ("en", "ru", "uz")
HEAD = """// Written by tools/countries.py. Of each calling code: [country, groups of digits, by what it is known].
"""


def countries() -> dict[int, list[list[str]]]:
    """Return the countries of each calling code, the main one first; those indistinguishable are one entry."""
    found = {}
    for code, regions in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()):
        made = [entry(region) for region in regions if region != "001"]
        if entries := [each for each in made if each[1]]:
            alike = [each[0] for each in entries[1:] if not each[2]]
            first = [" ".join([entries[0][0], *alike]), *entries[0][1:2]]
            found[code] = [first, *(each for each in entries[1:] if each[2])]
    return found


def entry(region: str) -> list[str]:
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    shown = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL) if number else ""
    groups = "".join(char if char.isdigit() else " " for char in shown).split()[1:]
    metadata = PhoneMetadata.metadata_for_region(region)
    return [region, "".join(str(len(group)) for group in groups), getattr(metadata, "leading_digits", None) or ""]


def module() -> str:
    lines = (f"  {code}: {json.dumps(entries, separators=(',', ':'))}," for code, entries in countries().items())
    return HEAD + "export default {\n" + "\n".join(lines) + "\n};\n"


def names() -> str:
    """Return for each language the name of every country that phonenumbers knows."""
    found = {language: Locale(language).territories for language in LANGUAGES}
    named = {
        language: {region: territories[region] for region in sorted(phonenumbers.SUPPORTED_REGIONS)}
        for language, territories in found.items()
    }
    return json.dumps(named, ensure_ascii=False, indent=1).replace("‘", "ʻ") + "\n"  # CLDR writes Uzbek both ways


FILES = {APP / "static/otp_app/countries.js": module, APP / "phones/countries.json": names}


if __name__ == "__main__":
    if sys.argv[1:] not in (["update"], ["check"]):
        sys.exit("usage: python tools/countries.py update|check")
    for path, made in FILES.items():
        if sys.argv[1] == "update":
            path.write_text(made(), encoding="utf-8")
    stale = [path.name for path, made in FILES.items() if path.read_text(encoding="utf-8") != made()]
    sys.exit(f"Stale, so update: {', '.join(stale)}." if stale else None)
