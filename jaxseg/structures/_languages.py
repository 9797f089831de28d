"""More names for the head and neck: French, German, Italian, Spanish, Dutch.

Accents, case and separators do not matter, and neither does whether an umlaut
is written with an e; a side is taken before or after each name of a pair.
"""

ALIASES = """
brain              hirn; cervello; encefalo; cerebro;
  encéfalo; cérebro; brein
brainstem          stammhirn; tronco cerebral; tronco encefálico; tronco del
  encéfalo; tronco cerebrale; tronc encéphalique; truncus cerebri
medulla_oblongata  bulbe rachidien; bulbo raquídeo; moelle allongée
spinal_cord        midollo spinale; midollo; cordón medular; moelle spinale;
  medula; médula; myelon cervical; spinal medulla
spinal_canal       canal médullaire; canal rachidien; canale spinale;
  canale midollare; canal medular; canal raquídeo; spinaalkanaal; wirbelkanal
cerebellum         cervelletto; cerebelo
pituitary          hirnanhangdrüse; ipofisi; hipófisis; hipófise; hypofyse
chiasm             sehnervenkreuzung; chiasma ottico; quiasma; quiasma óptico
oral_cavity        cavo orale; cavità orale; cavidad oral; cavidad bucal;
  cavidade oral; bouche; mund; mond; boca; bocca; cavité orale
nasal_cavity       fosses nasales; cavité nasale; cavità nasale; fosas nasales;
  cavidad nasal; cavum nasi
lips               labbra; labios; lábios
tongue             lengua; língua; tong
tongue_base        base de langue; base de la langue; base lingua; base de
  lengua; tongue base; zungenbasis
soft_palate        palais mou; voile du palais; palato molle; paladar blando;
  zacht gehemelte; weichgaumen
mandible           mandibola; mandíbula; mâchoire inférieure; maxilar inferior
hyoid              os hyoïde; osso ioide; hueso hioides; tongbeen
pharynx            rachen; schlund; faringe; keelholte
larynx             laringe; kehle
glottis            glotte; glottide; glotis
thyroid            thyroïde; glande thyroïde; thyreoidea; tiroide; tiroides;
  glandula tiroide; glándula tiroides; schilddrüse; thyreoida
esophagus          ösophagus; œsophage; esofago; esófago; slokdarm;
  speiseröhre; oesofagus
trachea            trachée artère; tráquea; luftröhre
"""

PAIRED_ALIASES = """
parotid            glande parotide; ghiandola parotide; glándula parótida;
  parótida; parotida; glandula parotidea; oorspeekselklier; speekselklier
  parotis; gld parotis;
  glnd parotid; parotisdrüse; parotideo
submandibular      glande sous maxillaire; glande sous mandibulaire; sous
  mandibulaire; unterkieferspeicheldrüse; ghiandola sottomandibolare;
  sottomandibolare; glándula submandibular; submaxilar; glandula
  submandibular; onderkaakspeekselklier; submandibulaire; glande
  submandibulaire
sublingual         glande sublinguale; unterzungendrüse; sublinguale
lacrimal           glande lacrymale; ghiandola lacrimale; glándula lagrimal;
  traanklier
neck               cou; nek; collo; cuello
cochlea            cochlée; coclea; cóclea; hörschnecke; gehörschnecke
inner_ear          oreille interne; binnenoor; orecchio interno; oído interno
middle_ear         oreille moyenne; middenoor; orecchio medio; oído medio
eye                œil; occhio; ojo; olho; augapfel; oogbol; oogbal; globe
  oculaire; globo ocular; bulbo oculare; bulbus oculi
lens               cristallino; cristalino; augenlinse; lente
cornea             hornhaut; cornée; hoornvlies; córnea
retina             netzhaut; rétine; netvlies
optic_nerve        nervo ottico; nervio óptico; nervo óptico; oogzenuw; nopt;
  nerf opt; optikus; opticus
brachial_plexus    plesso brachiale; plexo braquial; armplexus
carotid_artery     carotide; artère carotide; carótida; karotis; halsslagader
temporal_lobe      lobo temporale; lobo temporal; temporaalkwab; schläfenlappen
hippocampus        hippocampe; ippocampo; hipocampo
temporomandibular_joint  atm; articulation temporo mandibulaire; kaakgewricht;
  articolazione temporomandibolare; articulación temporomandibular
masseter           masséter; massetere; masetero; kaumuskel; kauwspier
lung               long; polmone; pulmón; pulmão; lungenflügel; pulmo
"""
