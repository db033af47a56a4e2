// SPDX-License-Identifier: Apache-2.0
#include "cli/complete.h"

// What the shells run when the key for completion is pressed. All of it is asked of `hull __complete`.
namespace hull::cli {
namespace {

constexpr std::string_view kBash = R"sh(# bash completion for hull
__hull_complete() {
  local words=("${COMP_WORDS[@]:1:COMP_CWORD}") line directive=0 value
  local cur=${COMP_WORDS[COMP_CWORD]}
  # Bash takes words apart at ':' and '='; hull does not.
  if declare -F _get_comp_words_by_ref >/dev/null; then
    local cword
    _get_comp_words_by_ref -n =: cur cword words 2>/dev/null && words=("${words[@]:1:cword}")
  fi
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :* && ${line#:} =~ ^[0-9]+$ ]]; then
      directive=${line#:}
      continue
    fi
    value=${line%%$'\t'*}
    COMPREPLY+=("$value")
  done < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
  if ((directive & 2)); then compopt -o nospace 2>/dev/null; fi
  if ((${#COMPREPLY[@]} == 0 && (directive & 4) == 0)); then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  fi
  # What stands before the last ':' or '=' is on the line already.
  local broken=${cur%"${cur##*[:=]}"}
  if [[ -n $broken && $COMP_WORDBREAKS == *[:=]* ]]; then COMPREPLY=("${COMPREPLY[@]#"$broken"}"); fi
}
complete -F __hull_complete hull
)sh";

constexpr std::string_view kZsh = R"sh(#compdef hull
# zsh completion for hull
_hull() {
  local -a choices
  local line directive=0 value description
  while IFS= read -r line; do
    if [[ $line =~ '^:[0-9]+$' ]]; then
      directive=${line#:}
      continue
    fi
    value=${line%%$'\t'*}
    description=${line#*$'\t'}
    if [[ $value == $line ]]; then
      choices+=("${value//:/\\:}")
    else
      choices+=("${value//:/\\:}:$description")
    fi
  done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  if ((${#choices} > 0)); then
    if ((directive & 2)); then
      _describe -V hull choices -S ''
    else
      _describe -V hull choices
    fi
  elif (((directive & 4) == 0)); then
    _files
  fi
}
if [ "$funcstack[1]" = "_hull" ]; then
  _hull "$@"
else
  compdef _hull hull
fi
)sh";

constexpr std::string_view kFish = R"sh(# fish completion for hull
function __hull_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l answer ($words[1] __complete $words[2..-1] 2>/dev/null)
    set -l directive 0
    if test (count $answer) -gt 0
        set directive (string sub -s 2 -- $answer[-1])
        set -e answer[-1]
    end
    if test (count $answer) -gt 0
        printf '%s\n' $answer
    else if test (math "bitand($directive, 4)") -eq 0
        __fish_complete_path (commandline -ct)
    end
end
complete -c hull -f -a '(__hull_complete)'
)sh";

}  // namespace

std::string_view completion_script(std::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  if (shell == "fish") return kFish;
  return {};
}

}  // namespace hull::cli
