"""
The commission engine: who brought whom, who earns what, and a ledger that proves every fen.

It owns its tables and takes a plain SQLAlchemy `Session`; it flushes and never commits. It knows no
Flask, no order and no member: members are integers, and what happened outside is a string source
such as `order:O01J…`. It never pays for recruiting, never pays a third level, and never edits
history. From the bottom up:

- `ledger`       accounts, postings and entries; the shop's balances, the chain of hashes, any past
- `team`         becoming a distributor, binding, and who stands above and below whom
- `commissions`  what the merchant has set, and the life of a commission: accrue, claw back, mature
- `withdrawals`  asking for what is available: limits, reviews, paid once or returned once
- `figures`      what each distributor earned by day, week, month and in all
- `queries`      what a distributor and a merchant see
- `proofs`       one query per rule of the engine
- `verify`       the proof over the stored rows
"""
