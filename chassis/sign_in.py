"""``tongban sign-in``: an access token for a person at a terminal, who signs in with a browser, whatever factors that takes.

Authorization code with PKCE (RFC 7636, RFC 8252). Nobody listens on the own machine: the browser ends at an address that
leads nowhere, which carries the code, and the person copies it. So it works on a server without a browser as well.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

import click
import msgspec
import urllib3

RETURNS_TO = "http://127.0.0.1/signed-in"
SCOPE = "openid tongban"
TIMEOUT_S = 30.0


@click.command("sign-in", help="用浏览器登录，取得访问令牌 / sign in with a browser, get an access token")
@click.option("--server", envvar="TONGBAN_PUBLIC_URL", required=True, help="平台地址 / the platform's address")
@click.option(
    "--client-id", default="tongban-program", show_default=True, help="登记的公开客户端 / a registered public client"
)
@click.option("--ca-file", help="私有证书颁发机构（PEM）/ a private certificate authority")
def sign_in(server: str, client_id: str, ca_file: str | None) -> None:
    """Prints the token on standard output and everything else on standard error. Exit status 1 when there is none."""
    server = server.rstrip("/")
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": RETURNS_TO,
        "scope": SCOPE,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    click.echo("在浏览器中打开并登录 / open this in a browser and sign in:", err=True)
    click.echo(f"{server}/oauth2/authorize?{urlencode(asked)}", err=True)
    click.echo(
        f"最后的网页打不开，属正常；复制其地址 / the last page leads nowhere; copy its address: {RETURNS_TO}?…",
        err=True,
    )
    came_to = click.prompt("地址 / address", err=True, hide_input=True)
    said = {name: values[0] for name, values in parse_qs(urlsplit(came_to).query).items()}
    if said.get("state") != state or "code" not in said:
        raise click.ClickException(f"不是这次登录的地址 / not an address of this sign-in: {said.get('error', '')}")
    fields = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": said["code"],
        "redirect_uri": RETURNS_TO,
        "code_verifier": verifier,
    }
    click.echo(_redeem(f"{server}/oauth2/token", fields, ca_file))


def _redeem(address: str, fields: dict[str, str], ca_file: str | None) -> str:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False, ca_certs=ca_file)
    try:
        answer = pool.request("POST", address, headers=headers, body=urlencode(fields), redirect=False)
    except urllib3.exceptions.HTTPError as error:
        raise click.ClickException(f"{address}: {error}") from error
    if answer.status != 200:
        raise click.ClickException(f"{address}: {answer.status} {answer.data.decode(errors='replace')[:500]}")
    token: str = msgspec.json.decode(answer.data)["access_token"]
    return token
