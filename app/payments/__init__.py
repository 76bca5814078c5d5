"""
Money in and money back: payment attempts, WeChat's notifications, refunds at WeChat.

It owns what WeChat has been asked and what WeChat has said. It decides nothing about orders: it
tells them the facts, each exactly once.
"""
