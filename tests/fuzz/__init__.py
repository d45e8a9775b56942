"""Everything that reads what comes from outside, fed with what it does not expect.

`python -m tests.fuzz [reader] [seconds]` mutates the corpus and keeps what breaks a rule.

readers      who reads what: the errors they may raise, where their corpus begins, their words
holding      the rules: errors, time, size, and text that UTF-8 can write
mutating     a broken input made of a good one
hunting      the search: inputs that reach new lines are mutated further
corpus       what is kept in tests/corpus, run by every `make test`
"""
