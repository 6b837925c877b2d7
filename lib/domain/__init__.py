"""The words of the field as frozen records that refuse a wrong shape, and pure arithmetic. No I/O.

Times are float seconds (``start`` included, ``end`` not); sizes are bytes; money is ``Decimal`` US dollars.
"""
