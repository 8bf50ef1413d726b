"""One number, a user of its own for each host name."""


def story():
    """Sign the same number in at two hosts, twice at each."""
    from base.people import Person
    from base.story import SECOND

    hosts = ["tea.localhost", "cups.localhost"] * 2
    return [Person(SECOND, host).sign_in() for host in hosts]
