"""
What the merchant reads of the ledger: who earned what by what, what is owed, and the daily books.

- `earned`       commission by order, by product, by distributor, over a stretch of time
- `liabilities`  what is owed to distributors, by age, and what they owe
- `trial`        the trial balance of each day, written once when the day is settled
- `exports`      rows one by one, however many: commissions, statements, the whole ledger
- `tree`         who stands above and right below somebody
- `models`       the tables of the trial balance
"""
