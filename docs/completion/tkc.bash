# Completion of tkc for bash; written by `tkc help --format=bash` from tools/options.def.
_tkc() {
    local current=$2 words
    COMP_WORDBREAKS=${COMP_WORDBREAKS//=/}
    case ${COMP_WORDS[1]} in
    run) words=' --device=cpu --device=emu --device=cuda --bounds=view --bounds=allocation --bounds=elements --seed= --no-checks --no-tune-cache --profile --profile=text --profile=json --threads= --import-dir= --diagnostics=text --diagnostics=json --color=auto --color=always --color=never --help --version' ;;
    check) words=' --kernel= --signature= --import-dir= --diagnostics=text --diagnostics=json --color=auto --color=always --color=never --help --version' ;;
    build) words=' --bounds=view --bounds=allocation --bounds=elements --seed= --no-checks --threads= --output= --emit= --embed=ptx --embed=cubin --embed=both --grid= --name= --target= --ptx-comments --verbose --kernel= --signature= --num-warps= --num-stages= --passes= --print-before= --print-after= --stats --import-dir= --diagnostics=text --diagnostics=json --color=auto --color=always --color=never --help --version' ;;
    draw) words=' --output= --launch= --list --program= --tensor= --lanes --kernel= --import-dir= --diagnostics=text --diagnostics=json --color=auto --color=always --color=never --help --version' ;;
    cache) words=' --diagnostics=text --diagnostics=json --color=auto --color=always --color=never --help --version' ;;
    doctor) words=' --diagnostics=text --diagnostics=json --color=auto --color=always --color=never --help --version' ;;
    explain) words=' --format=text --format=markdown --format=man --format=bash --diagnostics=text --diagnostics=json --color=auto --color=always --color=never --help --version' ;;
    lesson) words=' --device=cpu --device=emu --device=cuda --threads= --watch --all --anyway --of=file --of=solution --of=start --folder= --diagnostics=text --diagnostics=json --color=auto --color=always --color=never --help --version' ;;
    help) words=' --format=text --format=markdown --format=man --format=bash --diagnostics=text --diagnostics=json --color=auto --color=always --color=never --help --version' ;;
    *) words=''
    esac
    if [[ $COMP_CWORD -eq 1 ]]; then
        words='run check build draw cache doctor explain lesson help --help --version'
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    if [[ $COMP_CWORD -gt 1 && $current != -* ]]; then
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
    fi
}
complete -o filenames -o nospace -F _tkc tkc
