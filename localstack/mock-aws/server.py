"""A mock AWS on 127.0.0.1 for `npm run deploy:check`: moto with what this stack needs besides.

It shows that the stack can be created, changed and removed, and what is in it then. It runs no function, enforces no
permission, and moves no packet. `python server.py PORT REGION`; GET /mock/resources lists what is in the account.
"""

import sys
from typing import Any, Iterable

import account
import owners
import patches
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


def main(port: int, region: str) -> None:
    patches.apply_all()
    owners.make_network(region)
    moto = DomainDispatcherApplication(create_backend_app)

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/mock/resources":
            return moto(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [account.listing(region)]

    make_server("127.0.0.1", port, application, threaded=True).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
