"""Mail as it came over the wire, made into an InboundMessage. Start reading at `parse`.

Why not the standard library's parser: on hostile mail it raises errors of many kinds, recurses
without bound, and needs seconds for one header of 20 kB. Here every byte is read a bounded number
of times, and what could not be read is noted (`defects`).

parse        the whole: raw bytes to a message and its files
structure    headers and parts, and the parts' transfer encodings
headers      one header's text: encoded words, parameters
charsets     bytes to characters, and which characters are kept
sender       whom the From header names
verdicts     what SES found, and how far that proves the sender
references   message ids, our own addresses, the reply token
automatic    whether a machine wrote it
body         which parts are the text, which are files
markup       HTML to text
quoting      the new words, and the older mail below them
files        the files' bytes, and names that are safe to show
defects      the codes of what was wrong
"""
