"""The one-machine run: this project's own template on a local engine, with stand-in providers.

`make run`, `story`, `clock` and `clean` call `python -m infrastructure.local`.
Nothing in here is imported by the functions: they run as deployed, only endpoints differ.
"""
