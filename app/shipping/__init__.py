"""
What WeChat is told of parcels (发货信息管理), and what it says back of receipt and of lateness.

It owns what WeChat has accepted of each order, and never decides what leaves the shop.
"""
