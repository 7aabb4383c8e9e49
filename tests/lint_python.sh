#!/usr/bin/env bash
# Types of all Python here, and the stub of the native module against the binary. Takes the folder of the tools' programs.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$1

"$tools/mypy" bindings-python/python/sipgate_oauth2 tests/demo.py tests/chaos tests/driver tests/fleet tests/dist tests/house tests/keycloak tests/oidc_provider tests/django_oauth_toolkit tests/soak tests/memory tests/platforms tests/readme tests/api_parity benches/run.py benches/first_call.py benches/growth.py benches/growth_page.py
"$tools/mypy" tests/behaviour/run.py tests/behaviour/python/shim.py tests/behaviour/c/shim.py tests/differential/run.py tests/differential/faults.py tests/differential/canary.py
"$tools/mypy" tests/openid benches/bench_id_token.py
"$tools/mypy" tests/signing_in tests/testing
"$tools/mypy" realm/python/sipgate_oauth2_realm realm/python/tests
"$tools/mypy" tests/bundlers tests/migration tests/pages tests/site
"$tools/mypy" tests/command_line
MYPYPATH=bindings-c "$tools/mypy" bindings-c/abi.py bindings-c/tests/planted_breaks.py
"$tools/mypy" examples/python/main_job.py examples/stores/sqlalchemy_store.py benches/bench_python.py
(cd target/python && "$tools/python" -m mypy.stubtest sipgate_oauth2._native)
