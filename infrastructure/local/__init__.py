"""The one-machine run: this project's own template on a local engine, with stand-in providers.

`make run`, `make story` and `make clock` are `python -m infrastructure.local run|story|clock`.
Nothing in here is imported by the functions: they run as deployed, only endpoints differ.
"""
