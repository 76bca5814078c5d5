"""
What the shop sells: categories, brands, SPUs with their SKUs, stock, and what shipping costs.

It owns prices and stock and never knows an order, a cart or a campaign: others hold stock under a
source such as `order:O…` and read what they price through `queries`.
"""
