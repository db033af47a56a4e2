# comment
  # indented comment
FROM scratch
RUN a \
    b \   
    # between
    c

RUN one \

    two \
# last

    three
RUN x \\
ENV A=\
b
RUN ends \
RUN with\
  carriage returns
   	

LABEL  a=b   
RUN no line end \