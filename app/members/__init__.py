"""
Members: who signs in through WeChat, their profile, phone number and address book.

It owns what is personal: sealed at rest, masked in answers, gone when the member leaves. It never
knows what a member buys or earns.
"""
