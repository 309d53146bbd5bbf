"""A mock AWS on 127.0.0.1 for `npm run deploy:check`: moto with what this stack needs besides.

It shows that the stack can be created, changed and removed, and what is in it then. It runs no function, enforces no
permission, and moves no packet. `python server.py PORT`; GET /mock/resources?REGION lists what is in the account.
"""

import sys
from typing import Any, Iterable

import account
import patches
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


def main(port: int) -> None:
    patches.apply_all()
    moto = DomainDispatcherApplication(create_backend_app)

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/mock/resources":
            return moto(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [account.listing(environ["QUERY_STRING"])]

    make_server("127.0.0.1", port, application, threaded=True).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
