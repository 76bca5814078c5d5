"""
The commission engine: who brought whom, who earns what, and a ledger that proves every fen.

It owns its tables and takes a plain SQLAlchemy `Session`; it flushes and never commits. It knows no
Flask, no order and no member: members are integers, and what happened outside is a string source
such as `order:O01J…`. It never pays for recruiting, never pays a third level, and never edits
history. Its modules:

- `policy`       the arithmetic, pure
- `rules`        what the merchant has set, version by version
- `joining`      becoming a distributor, freezing, leaving
- `team`         binding, and who is whose upline
- `sharing`      the scene string of a mini-program code
- `ledger`       accounts, postings and entries
- `terms`        what decides the commissions of one payment, in one query
- `freezing`     an accrual in one statement
- `horizon`      how far history is settled
- `commissions`  accrue, claw back, schedule, mature
- `queries`      what a distributor and a merchant see
- `people`       who the distributors are and who stands below them
- `rollup`       the balances of the shop's own accounts
- `as_of`        balances at any past moment
- `chain`        hashes over all that is posted
- `verify`       the proof over the stored rows
"""
