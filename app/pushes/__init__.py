"""
What WeChat pushes to the mini-program: verified, kept once, and handed to the slice it concerns.

It owns the messages as they came and the table of who hears which; it acts upon none of them.
"""
