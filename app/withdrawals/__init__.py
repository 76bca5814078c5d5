"""
Withdrawals as a shop pays them: payees, payouts to WeChat, payments by hand, reviews, tax exports.

It owns `payee` and `payout`; the engine `distribution/withdrawals/` owns what is asked for and the
money. A payout keeps one number for ever: unknown is asked about, never sent anew under another.
"""
