"""People of another issuer in the portal: `oidc-provider` as it is, and an unmodified Chromium between the two."""

import base64
import hashlib
import secrets
import subprocess
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit

import pytest
import requests
from selenium.webdriver.common.by import By

from harness import wait
from harness.browser import SOON_S
from harness.cli import Roadstead
from harness.production import Production
from harness.server import free_port

NODE = Path(__file__).parent / "node"
CLIENT = "roadstead-portal"
SECRET = "s3cret+with&odd=characters %"
NAME = "Plant"
ID_TOKEN_GRANT = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
}
# Of a back end that gets ID tokens by itself; nothing listens there.
ELSEWHERE = "https://backend.example/back"


class Issuer:
    """The provider, with a login page of its own."""

    def __init__(self, home, redirect_uri, secret):
        port = free_port()
        self.secret = secret
        self.url = f"http://127.0.0.1:{port}"
        self.log = home / "issuer.log"
        with self.log.open("wb") as log:
            command = ["node", "issuer.mjs", str(port), CLIENT, secret, redirect_uri, ELSEWHERE]
            self.process = subprocess.Popen(command, cwd=NODE, stdout=log, stderr=log)

    def wait_until_ready(self):
        wait.until(self._is_ready, 60, "the issuer")

    def _is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        return "ready" in self.log.read_text().split()

    def id_token(self, login: str) -> str:
        """As any other client of this issuer gets one."""
        verifier = secrets.token_urlsafe(32)
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"client_id": CLIENT, "response_type": "code", "scope": "openid profile", "redirect_uri": ELSEWHERE}
        asked |= {"code_challenge": digest, "code_challenge_method": "S256", "nonce": secrets.token_urlsafe(8)}
        session = requests.Session()
        answer = session.get(f"{self.url}/auth?{urlencode(asked)}", timeout=20)
        for form in ({"prompt": "login", "login": login, "password": "x"}, {"prompt": "consent"}):
            answer = session.post(answer.url, data=form, timeout=20, allow_redirects=False)
            while "location" in answer.headers and not answer.headers["location"].startswith(ELSEWHERE):
                answer = session.get(urljoin(answer.url, answer.headers["location"]), timeout=20, allow_redirects=False)
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": ELSEWHERE, "code_verifier": verifier}
        basic = tuple(requests.utils.quote(text, safe="") for text in (CLIENT, SECRET)) if self.secret else None
        return requests.post(f"{self.url}/token", data=form | {"client_id": CLIENT}, auth=basic, timeout=20).json()["id_token"]

    def end(self):
        # It keeps nothing that it would have to put away.
        self.process.kill()
        self.process.wait(timeout=20)


# The portal as a client that keeps a secret; and, of some tests, as one that does not.
BOTH_KINDS = pytest.mark.parametrize("place", [SECRET, ""], ids=["confidential", "public"], indirect=True)


@pytest.fixture(scope="module", params=[SECRET], ids=["confidential"])
def place(request, tmp_path_factory):
    """A server, its issuer, and what speaks to it as its administrator."""
    home = tmp_path_factory.mktemp("issuer")
    server = Production(home)
    origin = f"https://localhost:{server.https_port}"
    with ExitStack() as ends:
        issuer = Issuer(home, f"{origin}/portal/back/{quote(NAME)}", request.param)
        ends.callback(issuer.end)
        ends.callback(server.end)
        server.write_config()
        settings = f'\n[[issuers]]\nurl = "{issuer.url}"\nclient_id = "{CLIENT}"\nname = "{NAME}"\n'
        if request.param:
            secret = home / "issuer-secret"
            secret.touch(mode=0o600)
            secret.write_text(SECRET + "\n")
            settings += f'client_secret_file = "{secret}"\n'
        server.config.write_text(server.config.read_text() + settings)
        server.serve()
        issuer.wait_until_ready()
        yield server, issuer, Roadstead(server), origin


@pytest.fixture
def known(place):
    """Makes users, which go with the test."""
    roadstead, made = place[2], []

    def create(name: str, *words) -> dict:
        user = roadstead("user", "create", "-n", name, *words)
        made.append(name)
        return user

    yield create
    for name in made:
        roadstead("user", "delete", "-n", name)


@pytest.fixture
def works(place):
    """A resource group: something for a Reader to see."""
    roadstead = place[2]
    roadstead("group", "create", "-n", "works", "-l", "here")
    yield
    roadstead("group", "delete", "-n", "works", "--yes")


def log_in(opened, login: str, consents: bool = True) -> None:
    """On the provider's own pages. It asks for consent once in each browser."""
    wait.until(lambda: opened.driver.find_elements(By.NAME, "login"), SOON_S, "the page to log in on")
    opened.driver.find_element(By.NAME, "login").send_keys(login)
    opened.driver.find_element(By.NAME, "password").send_keys("anything")
    opened.click("Sign-in")
    if consents:
        opened.click("Continue")


def ways(opened, origin: str) -> list[str]:
    """The portal's cookies of sign-ins that are under way, wherever the browser is now."""
    cookies = opened.driver.execute_cdp_cmd("Network.getCookies", {"urls": [origin]})["cookies"]
    return [cookie["name"] for cookie in cookies if cookie["name"].startswith("__Host-roadstead-way-")]


@BOTH_KINDS
@pytest.mark.usefixtures("works")
def test_a_person_signs_in_and_out(place, known, visitor):
    _, issuer, roadstead, origin = place
    made = known("lena@example.com", "--issuer", issuer.url)
    assert "password" not in made and made["identities"] == [{"signInType": "federated", "issuer": issuer.url}]
    roadstead("role", "assignment", "create", "--assignee", "lena@example.com", "--role", "Reader")
    visitor.open(f"{origin}/portal/audit")
    visitor.click(f"Continue with {NAME}")
    log_in(visitor, "lena")
    visitor.says("lena@example.com")
    assert visitor.path == "/portal/audit", "where it was wanted"
    cookies = visitor.cookies()
    assert "__Host-roadstead" in cookies and not ways(visitor, origin)
    assert roadstead("user", "show", "-n", "lena@example.com")["identities"][0]["issuerAssignedId"] == "lena"

    visitor.open(f"{origin}/portal/sessions")
    assert "Chrome" in visitor.text
    visitor.click("Sign out")
    visitor.open(f"{origin}/portal/")
    visitor.says(f"Continue with {NAME}")
    assert visitor.violations() == []
    visitor.click(f"Continue with {NAME}")
    visitor.says("lena@example.com")
    assert visitor.path == "/portal/", "who is signed in there is asked nothing"
    roadstead("user", "disable", "-n", "lena@example.com")
    visitor.open(f"{origin}/portal/")
    visitor.click(f"Continue with {NAME}")
    visitor.says("is disabled; an owner can enable it again")


def test_a_stranger_is_refused_in_words(place, known, visitor):
    server, issuer, _, origin = place
    known("anna@example.com")
    visitor.open(f"{origin}/portal/")
    visitor.click(f"Continue with {NAME}")
    log_in(visitor, "anna")
    visitor.says("Plant confirmed who you are, but: The issuer's user anna@example.com is no user here")
    assert f"roadstead user create -n anna@example.com --issuer {issuer.url}" in visitor.text
    assert "__Host-roadstead" not in visitor.cookies()
    assert "is no user here" in server.log()


def test_two_tabs_sign_in_at_the_same_time(place, known, visitor):
    _, issuer, roadstead, origin = place
    known("lena@example.com", "--issuer", issuer.url)
    roadstead("role", "assignment", "create", "--assignee", "lena@example.com", "--role", "Reader")
    wanted = ("/portal/audit", "/portal/certificates")
    tabs = []
    for page in wanted:
        if tabs:
            visitor.driver.switch_to.new_window("tab")
        tabs.append(visitor.driver.current_window_handle)
        visitor.open(origin + page)
        visitor.click(f"Continue with {NAME}")
        wait.until(lambda: visitor.driver.find_elements(By.NAME, "login"), 20, "the page to log in on")
    assert len(ways(visitor, origin)) == 2, "both are at the issuer"
    for tab, page in zip(tabs, wanted, strict=True):
        visitor.driver.switch_to.window(tab)
        log_in(visitor, "lena", consents=tab == tabs[0])
        visitor.says("lena@example.com")
        assert visitor.path == page, "each is led where it wanted"
    assert ways(visitor, origin) == []
    visitor.driver.switch_to.window(tabs[0])
    visitor.open(f"{origin}/portal/")
    visitor.says("lena@example.com")


def test_another_state_or_browser_is_refused(place, visitor):
    origin = place[-1]
    visitor.open(f"{origin}/portal/")
    visitor.click(f"Continue with {NAME}")
    wait.until(lambda: visitor.driver.find_elements(By.NAME, "login"), SOON_S, "the page to log in on")
    visitor.open(f"{origin}/portal/back/{quote(NAME)}?code=x&state=tampered")
    visitor.says("belongs to no sign-in that this browser began")
    visitor.open(f"{origin}/portal/")
    visitor.click(f"Continue with {NAME}")
    assert len(ways(visitor, origin)) == 2, "of the first one, which never came back, and of this one"
    for name in ways(visitor, origin):
        visitor.driver.execute_cdp_cmd("Network.deleteCookies", {"name": name, "url": origin})
    log_in(visitor, "lena")
    visitor.says("belongs to no sign-in that this browser began")
    assert "state=" in visitor.path, "a state of ours, and a code, in a browser that did not begin this"
    assert visitor.cookies() == {}


def ask_for_tokens(place, form: dict) -> requests.Response:
    server, _, _, origin = place
    return requests.post(f"{origin}/adfs/oauth2/token", data=form, verify=server.ca_file, timeout=20)


def who(place, given: dict) -> requests.Response:
    server, _, _, origin = place
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    return requests.get(f"{origin}/v1.0/me", headers=headers, verify=server.ca_file, timeout=20)


@BOTH_KINDS
def test_an_id_token_is_good_once(place, known):
    _, issuer, roadstead, _ = place
    known("ben@example.com", "--issuer", issuer.url, "--subject", "ben")

    def exchange(token):
        return ask_for_tokens(place, ID_TOKEN_GRANT | {"subject_token": token})

    token = issuer.id_token("ben")
    given = exchange(token).json()
    assert who(place, given).json()["userPrincipalName"] == "ben@example.com"
    again = exchange(token)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_request")
    assert "was used to log in before" in again.json()["error_description"]
    assert exchange(issuer.id_token("ben")).status_code == 200
    header, payload, signature = issuer.id_token("ben").split(".")
    forged = base64.urlsafe_b64encode(base64.urlsafe_b64decode(payload + "==").replace(b'"sub":"ben"', b'"sub":"bob"')).rstrip(b"=").decode()
    assert "signature is wrong" in exchange(f"{header}.{forged}.{signature}").json()["error_description"]
    for word, text in (("list", "ben@example.com"), ("show", "'issuerAssignedId': 'ben'")):
        words = ("user", word) if word == "list" else ("user", word, "-n", "ben@example.com")
        assert text in str(roadstead(*words)), word


def test_an_issuer_that_goes_takes_its_people_along(place, known):
    server, issuer, _, _ = place
    known("ben@example.com", "--issuer", issuer.url)
    given = ask_for_tokens(place, ID_TOKEN_GRANT | {"subject_token": issuer.id_token("ben")}).json()
    refresh = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    whole = server.config.read_text()
    words = "an OpenID Connect issuer that the configuration lets nobody in by any more"
    try:
        server.end()
        server.config.write_text(whole.split("\n[[issuers]]")[0])
        server.serve()
        refused = who(place, given)
        assert (refused.status_code, words in refused.json()["error"]["message"]) == (401, True), refused.text
        refused = ask_for_tokens(place, refresh)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert words in refused.json()["error_description"]
    finally:
        server.end()
        server.config.write_text(whole)
        server.serve()
    assert who(place, given).status_code == 200
    assert ask_for_tokens(place, refresh).status_code == 200, "what was refused was not used up"
