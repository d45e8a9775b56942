"""Mail as it came over the wire, made into an InboundMessage. Start reading at `parse`.

Why not the standard library's parser: on hostile mail it raises nine kinds of errors, recurses
without bound, and takes seconds for one header of 20 kB. Everything here reads a bounded number
of bytes a bounded number of times, and notes what it could not read (`defects`).

parse        the whole: raw bytes to message and files
structure    headers and parts of a mail, and their transfer encodings
headers      one header's text: encoded words, parameters
charsets     bytes to characters, and which characters are kept
sender       whom the From header names
verdicts     what SES found, and how far that proves the sender
threading    message ids and the reply token
automatic    whether a machine wrote it
body         which parts are the text, which are files
files        names and media types of files
html         HTML to text
quoting      the new words and the older mail below them
defects      the codes of what was wrong
"""
