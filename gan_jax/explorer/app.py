"""What a browser asks for, and what it gets: a page, and images as they are asked for. No request names a file.

Starlette: an ASGI toolkit without dependencies but anyio, kept by those who keep uvicorn; a plain function is a handler and
runs on a thread, so that nobody waits for another's inversion. (Flask brings a template language and cookies that nothing here
needs; http.server is, as its documentation says, not for what others can reach.)
"""

import ipaddress
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from importlib import resources
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gan_jax.explorer.session import Session

LARGEST_JSON, LARGEST_IMAGE = 2**18, 2**23  # bytes
AT_ONCE = 64  # connections; others are told to come again
FILES = {
    "/": ("index.html", "text/html"),
    "/explore.js": ("explore.js", "text/javascript"),
    "/explore.css": ("explore.css", "text/css"),
}
HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]


class Refused(Exception):
    """A request that is not carried out; its text is one line. Attributes: status: 4xx."""

    def __init__(self, status: int, said: str):
        super().__init__(said)
        self.status = status


def make(session: Session, names: Collection[str], *, addresses: bool = False) -> Starlette:
    """The application.

    Args: names: that it answers to, as Host; addresses: whether to any address too, which is no name that others can give it.
    """
    acts: dict[str, Callable[[Mapping], object]] = {
        "/api/samples": session.samples,
        "/api/children": session.children,
        "/api/cross": session.cross,
        "/api/move": session.move,
        "/api/draw": session.draw,
        "/api/visit": session.visit,
        "/api/like": session.like,
        "/api/undo": session.undo,
        "/api/cancel": session.cancel,
    }
    looks: dict[str, Callable[[Mapping], object]] = {
        "/api/run": session.described,
        "/api/lineage": session.acts,
        "/api/inverting": session.inverting,
    }
    downloads: dict[str, Callable[[Mapping], tuple[bytes, str, str]]] = {
        "/image.png": session.png,
        "/latent.npy": session.npy,
        "/favourites.gif": session.gif,
    }
    routes = [Route(path, _file(*file)) for path, file in FILES.items()]
    routes += [Route(path, _post(act), methods=["POST"]) for path, act in acts.items()]
    routes += [Route(path, _get(look)) for path, look in looks.items()]
    routes += [Route(path, _download(load)) for path, load in downloads.items()]
    routes += [Route("/api/invert", _upload(session.invert), methods=["POST"])]
    return Starlette(
        routes=routes,
        middleware=[Middleware(_Guard, names=names, addresses=addresses)],
        exception_handlers={
            Refused: lambda request, error: _said(str(error), error.status),
            ValueError: lambda request, error: _said(" ".join(str(error).split()), 400),
            OSError: lambda request, error: _said(f"{error.strerror or error}; nothing is lost of what was there", 507),
            404: lambda request, error: _said("there is no such page", 404),
            405: lambda request, error: _said("not by this method", 405),
        },
    )


class _Guard:
    """Refuses what other sites' pages send, also by a name of their own for this computer; and adds HEADERS to every answer."""

    def __init__(self, app: ASGIApp, names: Collection[str], addresses: bool):
        self.app, self.names, self.addresses = app, {name.lower() for name in names}, addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *HEADERS]}
            await send(message)

        if not self._is_ours(headers.get("host", "")):
            said = f"{headers.get('host', '')[:100]}: unknown name of this computer; --names=... makes one known"
            await _said(said, 400)(scope, receive, send_with_headers)
            return
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
        foreign = origin not in (None, f"http://{headers.get('host')}") or site not in ("same-origin", "none")
        if foreign and (scope["method"], scope["path"]) != ("GET", "/"):  # to which a link may lead from anywhere
            await _said("only this server's own page may ask for that", 403)(scope, receive, send_with_headers)
            return
        await self.app(scope, receive, send_with_headers)

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
            return name in self.names or (self.addresses and bool(ipaddress.ip_address(name)))
        except ValueError:
            return False


def _said(line: str, status: int) -> JSONResponse:
    return JSONResponse({"error": line[:500]}, status_code=status)


def _file(name: str, kind: str) -> Callable[[Request], Response]:
    content = resources.files("gan_jax.explorer").joinpath("page", name).read_bytes()
    return lambda request: Response(content, media_type=kind)


async def _body(request: Request, largest: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > largest:
            raise Refused(413, f"more than {largest:,} bytes")
    return bytes(body)


def _post(act: Callable[[Mapping], object]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise Refused(415, "JSON is needed")
        try:
            given = json.loads(await _body(request, LARGEST_JSON))
        except (ValueError, RecursionError) as error:
            raise Refused(400, "this is no JSON") from error
        if not isinstance(given, dict):
            raise Refused(400, "a JSON object is needed")
        return JSONResponse(await run_in_threadpool(act, given))

    return handle


def _get(look: Callable[[Mapping], object]) -> Callable[[Request], Response]:
    return lambda request: JSONResponse(look(request.query_params))


def _download(load: Callable[[Mapping], tuple[bytes, str, str]]) -> Callable[[Request], Response]:
    def handle(request: Request) -> Response:
        content, kind, name = load(request.query_params)
        return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})

    return handle


def _upload(take: Callable[[bytes, Mapping], object]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        body = await _body(request, LARGEST_IMAGE)
        return JSONResponse(await run_in_threadpool(take, body, request.query_params))

    return handle
