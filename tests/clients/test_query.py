"""The IoT Hub query language over plain HTTPS: what rows come, in what pages, and errors that point at the place."""

import pytest

from harness.service import refusal_a

FLEET = 12


@pytest.fixture
def fleet(service, device_id):
    """Devices `name-00` to `name-11` with tags, desired and reported properties; the first has a module."""
    name = device_id
    bulk = [
        {
            "id": f"{name}-{n:02}",
            "importMode": "create",
            "status": "disabled" if n == 11 else "enabled",
            "tags": {"fleet": name, "n": n, "site": {"row": "ab"[n % 2]}, **({"rare": True} if n == 3 else {})},
            "properties": {"desired": {"hz": n * 1.5}},
        }
        for n in range(FLEET)
    ]
    assert service.ok("POST", "/devices", bulk)["isSuccessful"]
    return name


def ids(rows: list) -> list[int]:
    return sorted(int(row["deviceId"].rsplit("-", 1)[1]) for row in rows)


CONDITIONS = {
    "tags.n = 3": [3],
    "tags.n != 3 AND tags.n < 5": [0, 1, 2, 4],
    "tags.n <> 3 and tags.n <= 4": [0, 1, 2, 4],
    "tags.n IN [1, 2, 99]": [1, 2],
    "tags.n NIN [0,1,2,3,4,5,6,7,8]": [9, 10, 11],
    "tags.site.row = 'a' AND NOT tags.n > 4": [0, 2, 4],
    "tags.n = 1 OR tags.n = 2 AND tags.site.row = 'b'": [1],
    "(tags.n = 1 OR tags.n = 2) AND tags.site.row = 'b'": [1],
    "IS_DEFINED(tags.rare)": [3],
    "is_defined(tags.rare) AND tags.rare = true": [3],
    "tags.rare": [3],
    "NOT IS_DEFINED(tags.rare) AND tags.n < 2": [0, 1],
    "tags.rare != true": [],
    "tags.n = '3'": [],
    "properties.desired.hz >= 15": [10, 11],
    "properties.desired.hz = 1.5 * tags.n AND tags.n < 2": [0, 1],
    "status = 'disabled'": [11],
    "Status = 'disabled'": [11],
    "devices.tags.n = 0": [0],
    "connectionState = 'Connected'": [],
    "capabilities.iotEdge = true": [],
    "STARTSWITH(tags.site.row, 'b') AND tags.n < 4": [1, 3],
    "tags.[[n]] = 4": [4],
    'tags.site.row = "b" AND tags.n = 0x5': [5],
}


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.replace("/", ""))
def test_conditions(service, fleet, condition):
    rows = service.rows(f"SELECT * FROM devices WHERE tags.fleet = '{fleet}' AND ({condition})")
    assert ids(rows) == CONDITIONS[condition]


def test_whole_twins(service, fleet):
    response = service.query(f"select * from devices where deviceId = '{fleet}-03'")
    assert response.headers["x-ms-item-type"] == "Twin" and "x-ms-continuation" not in response.headers
    (row,) = response.json()
    assert row.pop("authentication") == {"type": "sas"}, "as tutorials ask for it"
    assert row == service.twin(f"{fleet}-03")


def test_projections(service, fleet):
    text = f"SELECT deviceId, tags.n AS number, tags.site, tags.rare FROM devices WHERE tags.fleet = '{fleet}' AND tags.n IN [3, 4]"
    response = service.query(text)
    assert response.headers["x-ms-item-type"] == "Raw"
    rows = sorted(response.json(), key=lambda row: row["number"])
    assert [row["number"] for row in rows] == [3, 4]
    assert rows[0]["deviceId"] == f"{fleet}-03"
    assert rows[0]["site"] == {"row": "b"}
    assert rows[0]["rare"] is True and "rare" not in rows[1], "what is undefined is absent"


def test_aggregates(service, fleet):
    text = f"SELECT COUNT() AS n, SUM(tags.n) AS sum, AVG(tags.n) AS avg, MIN(tags.n) AS min, MAX(tags.n) AS max FROM devices WHERE tags.fleet = '{fleet}'"
    assert service.rows(text) == [{"n": 12, "sum": 66, "avg": 5.5, "min": 0, "max": 11}]


def test_groups(service, fleet):
    text = f"SELECT tags.rare AS rare, COUNT() AS n FROM devices WHERE tags.fleet = '{fleet}' GROUP BY tags.rare"
    rows = service.rows(text)
    assert sorted(rows, key=lambda row: row["n"]) == [{"rare": True, "n": 1}, {"n": 11}]


def test_top(service, fleet):
    assert len(service.rows(f"SELECT TOP 5 * FROM devices WHERE tags.fleet = '{fleet}'")) == 5


def test_modules(service, fleet):
    device = f"{fleet}-00"
    service.ok("PUT", f"/devices/{device}/modules/m1", {"deviceId": device, "moduleId": "m1"})
    service.patch_twin(device, {"tags": {"of": "module"}}, "m1")
    rows = service.rows(f"SELECT * FROM devices.modules WHERE deviceId = '{device}' AND tags.of = 'module'")
    assert [(row["deviceId"], row["moduleId"]) for row in rows] == [(device, "m1")]
    assert ids(service.rows(f"SELECT * FROM devices WHERE deviceId = '{device}'")) == [0], "modules are no devices"


class TestPages:
    def test_every_row_once(self, service, fleet):
        text, found, continuation, pages = f"SELECT * FROM devices WHERE tags.fleet = '{fleet}'", [], None, 0
        while True:
            response = service.query(text, page=5, continuation=continuation)
            assert len(response.json()) <= 5
            found, pages = found + response.json(), pages + 1
            continuation = response.headers.get("x-ms-continuation")
            if continuation is None:
                break
        assert ids(found) == list(range(FLEET)) and pages == 3

    def test_rows_that_come_and_go(self, service, fleet):
        """What stays is seen once, whatever else happens between two pages."""
        text = f"SELECT * FROM devices WHERE tags.fleet = '{fleet}'"
        first = service.query(text, page=5)
        seen = ids(first.json())
        service.ok("DELETE", f"/devices/{fleet}-{seen[0]:02}")
        service.ok("POST", "/devices", [{"id": f"{fleet}-99", "importMode": "create", "tags": {"fleet": fleet}}])
        rest = service.query(text, page=1000, continuation=first.headers["x-ms-continuation"])
        assert [n for n in sorted(seen + ids(rest.json())) if n != 99] == list(range(FLEET))

    @pytest.mark.parametrize("continuation", ["nonsense", "AAAA", "e30="])
    def test_foreign_continuation(self, service, fleet, continuation):
        response = service.query(f"SELECT * FROM devices WHERE tags.fleet = '{fleet}'", continuation=continuation)
        assert response.status_code == 400 and refusal_a(response)

    @pytest.mark.parametrize("page", ["0", "-1", "many", "1001"])
    def test_bad_sizes(self, service, page):
        response = service.query("SELECT * FROM devices", page=page)
        assert response.status_code == 400 or len(response.json()) <= 1000


ERRORS = [
    "",
    "SELEKT * FROM devices",
    "SELECT * FROM nowhere",
    "SELECT * FROM devices WHERE",
    "SELECT * FROM devices WHERE tags.a = ",
    "SELECT * FROM devices WHERE tags.a == 1",
    "SELECT * FROM devices WHERE tags.a = 'open",
    "SELECT * FROM devices WHERE (tags.a = 1",
    "SELECT * FROM devices WHERE NOSUCH(tags.a)",
    "SELECT * FROM devices ORDER BY deviceId",
    "SELECT DISTINCT tags.a FROM devices",
    "SELECT * FROM devices; DROP TABLE devices",
]


@pytest.mark.parametrize("text", ERRORS, ids=lambda text: text or "empty")
def test_errors_point_at_the_place(service, text):
    """Refused, and the sentence says where, by line and column or by offset."""
    response = service.query(text)
    assert response.status_code == 400
    _, _, sentence = refusal_a(response)
    assert any(each.isdigit() for each in sentence) or not text, sentence


def test_text_cannot_leave_its_quotes(service, fleet):
    for text in ("' OR '1'='1", "'; DELETE FROM devices; --", "\\' OR 1=1 --"):
        escaped = text.replace("\\", "\\\\").replace("'", "\\'")
        assert service.rows(f"SELECT * FROM devices WHERE tags.fleet = '{escaped}'") == []
    assert len(service.rows(f"SELECT * FROM devices WHERE tags.fleet = '{fleet}'")) == FLEET


def test_too_long(service):
    response = service.query("SELECT * FROM devices WHERE tags.a = '" + "x" * 70_000 + "'")
    assert response.status_code in (400, 413)


def test_too_deep(service):
    response = service.query("SELECT * FROM devices WHERE " + "(" * 3000 + "tags.a = 1" + ")" * 3000)
    assert response.status_code == 400
