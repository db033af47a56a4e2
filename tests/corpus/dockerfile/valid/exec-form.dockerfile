FROM scratch
CMD []
CMD [ ]
CMD [ "a" ,	"b" ]
CMD ["\u00e9\u20ac\ud83d\ude00", "tab\tquote\"slash\/", "\ud800 alone"]
CMD ['single']
CMD ["open"
CMD ["a"] trailing
CMD "["a"]"
ENTRYPOINT ["a",]
SHELL ["sh"]
RUN ["é", "☃"]
VOLUME []x
