#!/bin/sh
# Finds a Python that can run Throughline and hands over to setup.py.
# Usage: setup.sh [python]
for python in ${1:-python3 python3.13 python3.12 python3.11}; do
	if "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
		exec "$python" infrastructure/setup.py
	fi
done
echo "Throughline needs Python 3.11 or newer with venv and pip (on Debian: python3-venv); tried ${1:-python3, python3.13, python3.12, python3.11}. Name one with PYTHON=/path/to/python." >&2
exit 1
