"""
Group buys (拼团) over HTTP: campaigns, teams, orders that open or join one, figures.

It brings back the money of teams that failed, once per order. Who has a seat, when a team is
complete and what late money does is decided in `promotions.group_buys`.
"""
