FROM scratch
ENV A="a 'b' c" B='d "e" f' C=g\"h D="i\"j" E="" F= G=a"b c"d H=$'x' I="k\\l" J=m\\ n=o
ARG one two=2 three="3 and" four='4' five=a\ b six=
LABEL "quoted key"="value" 'other key'=v multi="line \
break"
ENV "legacy key" value
WORKDIR  /with blanks  inside 
USER   "quoted user"
