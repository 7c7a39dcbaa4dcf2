"""What requests and jobs do on their way, told by the text around the calls that they reach (`analyzers.model.ways`):

`bodies`      a function's text, with what its nodes do to rows
`routed`      what lists of addresses, of middleware and configurations say that is called
`texts`       where a call stands in its file
`resources`   what they open, make and leave behind, and for how long
`work`        what they wait for, and how work is put off
`races`       what two of them do at once
`results`     what grows with the data and is held at once
"""
