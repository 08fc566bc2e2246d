"""The broker: orders, fills, positions and money, in compiled code over plain arrays.

    records.py   the records of an order, a fill, a position, a trade and an account
    decimals.py  prices, quantities and money as exact decimals
    prices.py    the price at which a bar fills an order
    money.py     costs, valuation, what the account can afford
    placing.py   new orders: checks, sizes, limits
    filling.py   fills: positions, trades, brackets
    signals.py   orders for the signals of columnar strategies
    quotes.py    the latest bars of symbols with a position or an order
    walk.py      instant by instant: signals, then the bar that follows
    overnight.py splits, dividends, borrowing, delisting

docs/trading.md has the rules in words, and the answers to questions that bar data leave open.
"""
