"""
Flash sales (秒杀): few pieces at a low price, from one moment on, to whoever comes first.

It owns the gate in front of a sale, the one call that buys, the pages of sessions, reminders and
the merchant's live board. It never decides who gets a piece: the order's transaction does, with the
limits of the campaign; and it never shows progress that is not true.
"""
