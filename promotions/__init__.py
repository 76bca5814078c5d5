"""
The promotions engine: what a cart costs and what campaigns promise.

`pricing` is the arithmetic, pure and of the standard library only. The modules beside it keep
campaigns, their history and their limits in tables of the engine's own. The outside is an integer
id or a string source such as `order:O01J…`: the engine knows no Flask, no order and no member.
"""
