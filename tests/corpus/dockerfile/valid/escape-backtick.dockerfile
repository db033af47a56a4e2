# escape=`
# syntax = example.org/frontend:1 with more
FROM scratch
RUN dir C:\ `
    more\
COPY a\ b `
     c:\dir\
ENV P=C:\`"x`" Q="`$A" R='`'
EXPOSE 80
